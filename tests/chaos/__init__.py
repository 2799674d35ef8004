"""The chaos suite: the whole of mani as real processes, under a storm of events, while its parts are killed at random.

scene.py    mani, its database and the Stripe sandbox, with two connected accounts
lives.py    what happens to customers at Stripe, and the moments that mani has to know of
storm.py    delivers the events three times each, in disorder, until each is answered with 200
faults.py   the table of what goes wrong meanwhile
audit.py    what has to be true when it is over
run.py      one run from beginning to end, and its report

`python -m tests.chaos` (`make chaos`) is the long form, test_chaos.py the short one.
"""
