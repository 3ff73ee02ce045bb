"""Work: what runs for customers, on their schedules, in real browsers."""
