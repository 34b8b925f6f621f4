"""What the house promises about itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

BASE = Path(__file__).resolve().parent.parent
APPS = ("cms", "recordings", "supervision", "learning")


def own_files(*suffixes):
    for folder in (*APPS, "templates", "tests"):
        for path in (BASE / folder).rglob("*"):
            if path.suffix in suffixes and not {"migrations", "vendor", "nhsuk", "__pycache__"} & set(path.parts):
                yield path


def test_no_file_is_longer_than_400_lines():
    long = [
        f"{path.relative_to(BASE)}: {count}"
        for path in own_files(".py", ".js", ".css", ".html")
        if (count := len(path.read_text().splitlines())) > 400
    ]
    assert not long


def test_templates_hold_no_inline_script_or_style():
    offenders = []
    for path in own_files(".html"):
        text = path.read_text()
        if any(word in text for word in ("<style", ' style="', "onclick=", "javascript:")) or "<script>" in text:
            offenders.append(str(path.relative_to(BASE)))
    assert not offenders


def read_at_once(tree):
    """The calls in a module that are made when it is read: not those within functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            for part in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
                yield from read_at_once(ast.Module([part], []))
        elif not isinstance(node, ast.Lambda):
            if isinstance(node, ast.Call):
                yield getattr(node.func, "attr", getattr(node.func, "id", ""))
            yield from read_at_once(node)


def test_no_test_asks_for_the_day_when_it_is_read_and_compares_it_with_the_day_when_it_runs():
    days = {"today", "days_ago", "localdate"}
    assert not [
        str(path.relative_to(BASE)) for path in (BASE / "tests").rglob("*.py") if days & set(read_at_once(ast.parse(path.read_text())))
    ]


def test_records_never_cascade_from_a_person_or_a_page():
    """Only renditions, which are copies of an image, may go with what they belong to; so may what Wagtail itself makes."""
    allowed = {"CourseImageRendition.image"}
    offenders = []
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.get_fields():
                if not isinstance(field, models.ForeignKey) or field.remote_field.on_delete is not models.CASCADE:
                    continue
                is_inherited = field.model is not model or (isinstance(field, models.OneToOneField) and field.remote_field.parent_link)
                is_through = model._meta.auto_created
                is_wagtails = field.name == "collection" and field.related_model._meta.app_label == "wagtailcore"
                if is_wagtails:
                    continue
                if not is_inherited and not is_through and f"{model.__name__}.{field.name}" not in allowed:
                    offenders.append(f"{model.__name__}.{field.name}")
    assert not offenders


def test_no_text_of_a_model_names_a_person_or_a_family():
    """`ModelLogEntry` stores str(instance): it may hold ids and titles, never what identifies a family."""
    from recordings.models import Consent, Recording, Review
    from supervision.models import FamilyReference

    family = FamilyReference(reference="H-1", initials="A.B.")
    for instance in (Consent(pk=1, family=family), Recording(family=family), Review(), family):
        assert "A.B." not in str(instance)


@pytest.mark.slow
def test_the_web_process_never_loads_torch():
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'cms.settings'; os.environ['DEBUG'] = '1'\n"
        "import cms.wsgi\nfrom django.urls import get_resolver\nget_resolver().url_patterns\n"
        "[resolver.url_patterns for resolver in get_resolver().url_patterns if hasattr(resolver, 'url_patterns')]\n"
        "bad = {'torch', 'whisper', 'h5py', 'numba'} & set(sys.modules)\nsys.exit(', '.join(sorted(bad)) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=BASE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
