"""Output for people, as every program prints it: plain text, without markup and without terminal control characters.

Some of the text comes from scenario files, paths, servers and workers on other machines. Printed unchanged, a bracket
would be read as Rich's markup, and a control character could clear the screen or disguise a line as another.
"""
