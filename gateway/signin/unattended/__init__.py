"""A sign-in that asks nobody, in the demo alone: one person of it signs in at every request of an application.

It puts the proofs in the transaction and answers the journey's questions; everything after that is the product's own: the
journey decides, the session, the code and the tokens are real. Loaded by `gateway.wiring.unattended` and by nothing else, in
a deployment whose settings name a person under `unattended`, which every profile but `demo` refuses.
"""
