"""Between bytes on a socket and messages of an authenticated peer."""
