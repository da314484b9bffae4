# The same as `python3 dev.py COMMAND`; pass arguments with ARGS="-k name".
.PHONY: demo test check docs bench clean
demo test check docs bench clean:
	python3 dev.py $@ $(ARGS)
