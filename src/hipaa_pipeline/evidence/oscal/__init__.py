"""The three OSCAL 1.2.1 documents of a bundle: what may be claimed, what implements it, what was found.

https://pages.nist.gov/OSCAL/. What schemas do not check is checked by `check.problems`.
"""
