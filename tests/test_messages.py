"""The catalogue of messages: all that is raised or warned comes from it, all of it is used, and reads well."""

import ast
import importlib
import re
import string
from pathlib import Path

import pytest

import skyblot
from skyblot import errors, messages
from skyblot.messages import Message

PACKAGE = Path(skyblot.__file__).parent
CATALOGUE = {name: value for name, value in vars(messages).items() if isinstance(value, Message)}
#: Of all modules of examples.
EXAMPLES = {
    name: example
    for path in sorted(Path(__file__).parent.glob("message_examples*.py"))
    for name, example in importlib.import_module(path.stem).EXAMPLES.items()
}
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
#: What takes the text of an error or a warning as its first argument.
SPEAKERS = (
    ERRORS
    | {"type(error)", "TypeError", "click.UsageError", "warnings.warn", "_warn", "warn", "logger.warning"}
    | {"pair.tell", "source.tell"}
)
#: What passes on the text of another error or warning, by module and function, and why that is no message of its own.
PASSED_ON = {
    ("exposure", "named"): "puts names of files in the place of 'the source' and 'the target'",
    ("cluster", "_ended"): "repeats the warnings of a worker here",
    ("worker", "_as_asked"): "has a text only, of an error that cannot be sent",
}
LONGEST = 300
#: How a message may begin: with a field, a thing and its owner, an argument, an option, or a number of things.
BEGINNINGS = re.compile(
    r"\{|(the|a|these|user|its|unknown) [\w{]|[a-zA-Z]+(\(\))?( =|:| is| got| takes)|scale_by_pixel_area=|--"
)


def fields(template):
    """The names of a template's fields."""
    return [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]


def functions(path):
    """(name, nodes) of each function of a module; nested functions belong to the one around them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef) and not isinstance(node, ast.FunctionDef):
                yield child


def calls_in(node):
    return [each for each in ast.walk(node) if isinstance(each, ast.Call)]


def is_catalogued(node, function):
    """Whether an expression is a call of a message, or a name that stands for one in its function."""
    if isinstance(node, ast.Name):
        values = [
            each.value
            for each in ast.walk(function)
            if isinstance(each, ast.Assign) and any(isinstance(t, ast.Name) and t.id == node.id for t in each.targets)
        ]
        return bool(values) and all(is_catalogued(value, function) for value in values)
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("messages.")


def texts_of(function):
    """The texts that a function gives to errors, made here or of another's class, and to warnings."""
    for call in calls_in(function):
        name = ast.unparse(call.func)
        hands_on = function.name in ("_warn", "warn", "tell") and ast.unparse(call.args[0]) == "message"
        if name in SPEAKERS and not hands_on:
            yield call.args[0]


def calls_of_messages():
    """(where, name in the catalogue, names of the fields given, what is given by place) of every use."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for call in calls_in(ast.parse(path.read_text(encoding="utf-8"))):
            match = re.fullmatch(r"messages\.(\w+)", ast.unparse(call.func))
            if match:
                given = [str(keyword.arg) for keyword in call.keywords]  # "None" for "**": a field that no message has
                yield f"{path.relative_to(PACKAGE)}:{call.lineno}", match[1], given, call.args


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_errors_and_warnings_take_their_text_from_the_catalogue(path):
    module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    wrong = [
        f"{path.name}:{text.lineno}: {ast.unparse(text)}"
        for function in functions(path)
        for text in texts_of(function)
        if (module, function.name) not in PASSED_ON and not is_catalogued(text, function)
    ]
    assert wrong == []


@pytest.mark.parametrize("code", ['raise FileError(f"{path}: gone")', '_warn("all is lost")', 'WCSError("a" + b)'])
def test_the_check_above_sees_what_is_written_in_place(tmp_path, code):
    path = tmp_path / "module.py"
    path.write_text(f"def f():\n    {code}\n")
    (function,) = functions(path)
    assert [is_catalogued(text, function) for text in texts_of(function)] == [False]


def test_what_is_passed_on_is_still_there():
    for module, name in PASSED_ON:
        path = PACKAGE / f"{module.replace('.', '/')}.py"
        (function,) = [each for each in functions(path) if each.name == name]
        assert any(not is_catalogued(text, function) for text in texts_of(function)), name


def test_every_message_is_used():
    assert {name for _, name, _, _ in calls_of_messages()} == set(CATALOGUE)


def test_warnings_are_listed_as_warnings():
    """A note, which has no name, is warned of with `CONCERNING`."""
    sections = re.split("# ---- .+ ----", Path(messages.__file__).read_text(encoding="utf-8"))[1:]
    told = {re.sub(r" =.*", "", line) for each in sections for line in each.partition("# Warnings")[2].splitlines()}
    warned = re.compile(r"(?:warnings\.warn|\b_?warn|logger\.warning|pair\.tell|source\.tell)\(messages\.(\w+)")
    used = {name for path in PACKAGE.rglob("*.py") for name in warned.findall(path.read_text(encoding="utf-8"))}
    assert used - {"CONCERNING"} <= told
    assert {"NO_OVERLAP", "NO_SKY"} <= used


def test_messages_are_given_the_fields_they_have():
    for where, name, given, positional in calls_of_messages():
        assert positional == [], where
        assert sorted(given) == sorted(set(fields(CATALOGUE[name]))), where


def test_a_missing_field_is_an_error():
    with pytest.raises(KeyError, match="kind"):
        messages.NO_SUCH(name="a.fits")


def test_every_message_has_an_example():
    assert set(EXAMPLES) == set(CATALOGUE)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name):
    values, sentence = EXAMPLES[name]
    assert set(values) == set(fields(CATALOGUE[name]))
    assert CATALOGUE[name](**values) == sentence


@pytest.mark.parametrize("name", CATALOGUE)
def test_form(name):
    template, sentence = CATALOGUE[name], EXAMPLES[name][1]
    assert re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", name)
    assert all(re.fullmatch("[a-z]+", field) for field in fields(template)), "fields are plain words"
    assert "\n" not in sentence
    assert "  " not in sentence
    assert not re.search(r"[{}]", sentence), "no field is left"
    assert not sentence.endswith((".", " ", ":", "!")), "one sentence, without a full stop"
    assert sentence.strip() == sentence
    assert len(sentence) <= LONGEST
    assert BEGINNINGS.match(template), "a message begins with what it is about"
    assert not re.search(r"\b(please|oops|sorry|illegal|abort|fatal)\b", template, re.IGNORECASE)


def test_no_two_messages_say_the_same():
    plain = {re.sub(r"\{[^}]*\}", "{}", template) for template in CATALOGUE.values()}
    assert len(plain) == len(CATALOGUE)


def test_an_allowed_value_is_told_in_one_way():
    error = errors.not_allowed("grow", -1, "a radius of 0 to 100 pixels")
    assert type(error) is errors.ParameterError
    assert str(error) == "grow = -1: expected a radius of 0 to 100 pixels"
