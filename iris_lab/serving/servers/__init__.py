"""The servers that run the application; all code that depends on internals of Granian, waitress or Linux."""
