"""How CloudFormation evaluates parameters, rules, conditions and intrinsic functions; `resolve` joins them."""
