"""The FastAPI app: control routes, the cursor in requests, error answers and OpenAPI."""
