"""The prediction contract: what a request holds, what is wrong with it, and the answer."""
