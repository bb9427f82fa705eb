/** The four lanes in their order. Which of them ask again and again is all that the page needs to know of them. */
export const TRANSPORTS = Object.freeze(["websocket", "sse", "long_poll", "short_poll"]);

export const LABELS = Object.freeze({ websocket: "WebSocket", sse: "SSE", long_poll: "Long poll", short_poll: "Short poll" });

const POLLING = new Set(["long_poll", "short_poll"]);

export const polls = (transport) => POLLING.has(transport);
