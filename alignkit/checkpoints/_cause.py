"""The cause of a foreign exception, in words that fit into one line."""


def cause(error: BaseException) -> str:
    """First line of the exception's text, or its class where it has none."""
    lines = [" ".join(line.split()) for line in str(error).splitlines()]
    text = next((line for line in lines if line), type(error).__name__)
    return text if len(text) <= 300 else text[:299] + "…"
