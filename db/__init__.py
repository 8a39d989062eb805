"""The data layer: tables, sessions and questions. It knows nothing of plans or screens."""
