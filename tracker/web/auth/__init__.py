"""Who is asking: sign-in, sessions, providers, throttle."""
