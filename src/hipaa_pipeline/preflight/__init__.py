"""Will it deploy? Facts in, findings out, before anything is created.

    questions   checks.py lists the predictors; ledger.py counts quotas; exits.py finds the ways out
    facts       operations.py is every read there is; facts.py how a question asks for one
    answers     aws/facts.py asks AWS, many reads at once; run.py puts it together

`validation` judges what CloudFormation itself says of a change set.
"""

from hipaa_pipeline.preflight.result import Cost, Result
from hipaa_pipeline.preflight.run import run
from hipaa_pipeline.preflight.subject import Subject
from hipaa_pipeline.preflight.validation import validation_findings

__all__ = ["Cost", "Result", "Subject", "run", "validation_findings"]
