"""Many exposures: the plan of a run, and the run, in this process or on a cluster."""
