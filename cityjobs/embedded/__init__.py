"""One machine, two commands: set-up, embedded PostgreSQL and Valkey, the supervisor, the mail catcher."""
