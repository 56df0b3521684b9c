import pytest


@pytest.fixture(scope="session")
def engine(smollm2):
    import weir
    return weir.Engine(str(smollm2), max_model_len=1024, threads=2)


@pytest.fixture(scope="session")
def greedy():
    import weir
    return weir.SamplingOptions(temperature=0)
