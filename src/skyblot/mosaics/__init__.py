"""Many exposures to one mosaic: what each is, their sky, robust stacks, the drizzled mosaic."""
