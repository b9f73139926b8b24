"""Functions of other packages, under their own names and signatures."""
