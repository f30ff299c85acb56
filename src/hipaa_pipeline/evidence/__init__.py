"""Findings turned into what an auditor keeps: HTML, CSV, OSCAL, manifest."""
