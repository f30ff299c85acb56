"""The same stack in many accounts and Regions, by CloudFormation StackSets and not by a loop of our own.

`file` reads what is wanted, `wanted` makes targets of it and refuses what cannot work, `state` says how a target
stands, `plan` works out the steps: all pure. `run` takes the steps, `visits` looks into the target accounts where a
role lets it.

The weakest point: CloudFormation reports one status an instance, not one a resource, so that the cause of a failure in
a target account is the sentence StackSets passes on, unless a role to read is given.
"""
