"""What every program prints for people: plain text, in which nothing is markup and no character steers the terminal.

Texts come from scenario files, from paths, from servers and from workers elsewhere. Printed as they are, a bracket
would be read as Rich's markup, and a control character could clear the screen or make one line look like another.
"""
