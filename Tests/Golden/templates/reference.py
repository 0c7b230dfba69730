"""Renders chat templates as Hugging Face does, and tells outputs from errors.

Needs jinja2 and transformers. Used by make_goldens.py and fuzz.py.
"""

import datetime
import os
import time

os.environ["TZ"] = "UTC"
time.tzset()

import jinja2
import transformers.utils.chat_template_utils as hf

# What every test takes for the current time: 26 Jul 2025, 10:44:05.
NOW = 1_753_526_645


class FixedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(NOW, tz)


hf.datetime = FixedDate


def outcome(render):
    """The output, or the kind of the error, with its message where templates and users see it."""
    try:
        return {"output": render()}
    except (jinja2.TemplateSyntaxError, SyntaxError):
        return {"error": "syntax"}
    except (jinja2.UndefinedError, jinja2.sandbox.SecurityError) as error:
        return {"error": "runtime", "message": str(error)}
    except jinja2.TemplateRuntimeError:
        return {"error": "runtime"}
    except jinja2.TemplateError as error:
        return {"error": "raised", "message": str(error)}
    except RecursionError:
        return {"error": "limit"}
    except Exception:
        return {"error": "runtime"}


def render(template, context):
    """A template with any variables."""
    return outcome(lambda: hf._compile_jinja_template(template).render(**context))


def render_chat(template, chat):
    """A conversation as `apply_chat_template` renders it."""

    def run():
        tokens = {"bos_token": chat["bos_token"], "eos_token": chat["eos_token"]}
        rendered, _ = hf.render_jinja_template(
            conversations=[chat["messages"]],
            tools=chat.get("tools"),
            documents=chat.get("documents"),
            chat_template=template,
            add_generation_prompt=chat["add_generation_prompt"],
            **{**tokens, **chat.get("kwargs", {})},
        )
        return rendered[0]

    return outcome(run)
