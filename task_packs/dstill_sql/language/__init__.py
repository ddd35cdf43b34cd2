"""SQL itself: reading and printing queries, what they may do, what they are about, and their results.

Everything else of the pack builds on these modules. `layers` lists the checks of an answer in their order.
"""
