"""The servers that run the application; what knows the insides of Granian, waitress or Linux is here."""
