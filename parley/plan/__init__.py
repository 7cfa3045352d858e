"""How many calls a GPU carries, in memory and in time, and by which settings. Pure but for `machine`
and the commands."""
