"""What is said of what is wrong: every sentence is written where it is raised, and reads well."""

import ast
import pickle
import re
from pathlib import Path

import pytest
from sentences import error_names, sentences, speaking_calls, written_text

import skyblot
from skyblot import BatchError, errors
from skyblot.errors import FileError, ParameterError, SkyblotError, SkyblotWarning, WCSError
from skyblot.runs.work import Failure

PACKAGE = Path(skyblot.__file__).parent

SENTENCES = sentences(PACKAGE)
#: What passes on a sentence that was made elsewhere: function, and whose it is.
PASSED_ON = {
    "warn": "of who calls it",
    "tell": "of who calls it",
    "of": "of the system",
    "validated": "of configobj",
    "_list": "of a name in a list",
    "_ended": "of a worker",
    "portable": "of a worker, of an error that cannot be sent",
    "tell_notes": "of a `Rejection`, and what was remarked on a file",
    "reject": "of a `Rejection`",
}
LONGEST = 300


def place(sentence):
    return f"{sentence.path.relative_to(PACKAGE)}:{sentence.first}"


def is_written(node, function):
    """Whether an expression is a sentence, one of two, or a name that stands for one in its
    function.
    """
    if isinstance(node, ast.IfExp):
        return is_written(node.body, function) and is_written(node.orelse, function)
    if isinstance(node, ast.Name):
        values = [
            statement.value
            for statement in ast.walk(function)
            if isinstance(statement, ast.Assign)
            and any(
                isinstance(target, ast.Name) and target.id == node.id
                for target in statement.targets
            )
        ]
        return bool(values) and all(is_written(value, function) for value in values)
    return written_text(node) is not None


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_sentence_is_written_where_it_is_said(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    elsewhere = [
        f"{path.name}:{call.lineno} in {function.name}: {ast.unparse(call)}"
        for function in functions
        if function.name not in PASSED_ON
        for call, _ in speaking_calls(ast.Module([function], []), error_names(PACKAGE))
        if not is_written(call.args[0], function)
    ]
    assert elsewhere == []


@pytest.mark.parametrize("sentence", SENTENCES, ids=place)
def test_form(sentence):
    text = sentence.text
    assert "\n" not in text
    assert "  " not in text
    assert text.strip() == text
    assert not text.endswith((".", ":", "!")), "one sentence, without a full stop"
    assert len(text) <= LONGEST
    assert not re.search(r"\b(please|oops|sorry|illegal|abort|fatal)\b", text, re.IGNORECASE)
    assert not re.search(r"\b(dict|NoneType|ndarray|str|<class)\b", text), "no types of Python"


@pytest.mark.parametrize("sentence", [each for each in SENTENCES if not each.subject], ids=place)
def test_a_sentence_without_a_subject_begins_with_it(sentence):
    things = "the|a|these|user|its|unknown|no|pictures|editpars|client|wcsmap|configObj"
    beginnings = rf"<|({things})\b|[a-z_]+(\(\))? ?(=|:|is|got|takes|not|with)|--"
    assert re.match(beginnings, sentence.text), sentence.text


def test_an_error_is_its_subject_and_its_sentence():
    error = FileError("no such file", subject=Path("med.fits"))
    assert str(error) == "med.fits: no such file"
    assert (error.subject, error.sentence) == ("med.fits", "no such file")
    assert str(ParameterError("give one of them")) == "give one of them"


@pytest.mark.parametrize("kind", [SkyblotError, FileError, WCSError, SkyblotWarning])
def test_an_error_can_be_sent_to_another_process(kind):
    sent = pickle.loads(pickle.dumps(kind("has no WCS", subject="a.fits[1]")))
    assert type(sent) is kind
    assert (str(sent), sent.subject) == ("a.fits[1]: has no WCS", "a.fits[1]")


def test_what_is_left_of_a_run_can_be_sent_too():
    error = BatchError(
        [], [Failure.of("a.fits", FileError("no such file", subject="a.fits"))], "masks"
    )
    sent = pickle.loads(pickle.dumps(error))
    assert str(sent) == "1 of 1 masks could not be made: a.fits: no such file"
    assert [failure.reference for failure in sent.failures] == ["a.fits"]


def test_an_allowed_value_is_told_in_one_way():
    error = errors.not_allowed("grow", -1, "a radius of 0 to 100 pixels")
    assert isinstance(error, ParameterError)
    assert str(error) == "grow = -1: expected a radius of 0 to 100 pixels"
    sent = pickle.loads(pickle.dumps(error))
    assert (str(sent), sent.name, sent.value) == (str(error), "grow", -1)


def test_a_warning_points_at_the_line_that_led_to_it():
    with pytest.warns(SkyblotWarning, match="^a.fits: its first axis is dropped$") as caught:
        errors.warn("its first axis is dropped", subject="a.fits")
    assert caught[0].filename == __file__
