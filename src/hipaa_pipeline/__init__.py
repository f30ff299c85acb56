"""A HIPAA-oriented data pipeline on AWS: built, checked, deployed, verified and evidenced."""

__version__ = "0.1.0"
