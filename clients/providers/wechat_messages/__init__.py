"""Messages of WeChat to an application: proved by a token, sealed in safe mode."""
