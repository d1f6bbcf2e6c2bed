"""What a candidate costs: its quote, and what that makes of a token, a request and a month."""
