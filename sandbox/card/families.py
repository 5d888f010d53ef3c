"""Which cards a reader may meet, by their answer to reset (card dossier §1.1).

Byte for byte as the dossier gives them. Two more are made here: a card of nobody's, and a CPS3 whose version bytes moved.
"""

CPS3_CONTACT = bytes.fromhex("3BAC00402A001225006480000310009000")
CPS3_LATER_VERSION = bytes.fromhex("3BAC00402A001225006480000427009000")
"""A CPS3 that differs only in the three version bytes that every matching rule masks."""
CPS3_CONTACTLESS = bytes.fromhex("3B8F80010031B86404B0ECC1739401808290000E")
CPS2TER = bytes.fromhex("3BAC00402A001225006480820212009000")
CPS4_CONTACT = bytes.fromhex("3B9B188001001225006480040100009044")
CPS4_PRE_SERIES = bytes.fromhex("3B9B188001001225006480000401009044")
CPS4_T0 = bytes.fromhex("3BDC18FF00001225006480000401009000")
FOREIGN = bytes.fromhex("3B6500002063CB6800")
"""No card of a health professional: another personal card, T=0."""
