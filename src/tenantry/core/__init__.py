"""What every room stands on: mechanisms without tables or business words.

Promises: no module here imports anything of ours outside `core`, and none owns a table.
"""
