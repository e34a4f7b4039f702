"""The outside judge of raids: a flight model, a radar model and a scorer that share no code with
the product they judge.

Nothing here imports a model of `skywarden`: only `defence.watch`, the site loader and the nouns
of a frame. docs/models/outside-judge.md states the models.
"""
