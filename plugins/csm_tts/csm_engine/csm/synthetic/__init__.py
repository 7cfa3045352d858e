"""CSMs without training: folders in transformers' format, and weights in memory, at random.

They speak noise, but their frames, their timing and their context are a real model's: for tests,
for demonstrations without a download, and for measuring, which asks for no trained weights.
"""

from csm_engine.csm.shapes import CSM_1B, TINY
from csm_engine.csm.synthetic.folder import random_model, write_random, write_tiny
from csm_engine.csm.synthetic.vocabulary import make_tokenizer

__all__ = ["CSM_1B", "TINY", "make_tokenizer", "random_model", "write_random", "write_tiny"]
