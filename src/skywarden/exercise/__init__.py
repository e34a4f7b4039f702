"""Exercises: trials, scores, grades, standing, debriefs and certificates, from records alone. Truth
grades nobody.
"""
