"""The FastAPI app: control routes, the cursor of requests, error answers, OpenAPI."""
