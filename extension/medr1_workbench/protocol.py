"""What the backend and this package have to agree on. Made from kernel-bridge/src/protocol by cli/docs.ts: do not edit."""

PROTOCOL_VERSION = 1
# Bytes of a body that relay and backend take.
MAX_BODY = 16777216
# Routes whose answer may take minutes.
SLOW_PATHS = frozenset({"generate", "search"})
FACETS = ("modality", "question_type", "dataset", "split", "options", "answer", "problem")
