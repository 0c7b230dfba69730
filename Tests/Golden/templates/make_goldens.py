"""Makes what the chat template tests compare with.

    make_goldens.py fixtures                 rewrites Tests/ApusTextTests/ChatTemplate/Fixtures from cases.py and
                                             contexts.py, and the hashes of what the artefacts' templates render to
    make_goldens.py full OUT [ARTEFACTS]     writes OUT/*.json: the whole outputs, for APUS_TEMPLATE_GOLDEN=OUT

ARTEFACTS (or the variable APUS_SHARED, or ../shared beside the package) is the folder of real templates, which are
not part of the package.
"""

import json
import os
import pathlib
import sys

import cases
import contexts
import reference

PACKAGE = pathlib.Path(__file__).resolve().parents[3]
FIXTURES = PACKAGE / "Tests/ApusTextTests/ChatTemplate/Fixtures"


def artefacts_folder():
    shared = os.environ.get("APUS_SHARED") or PACKAGE.parent / "shared"
    return pathlib.Path(shared) / "artefacts"


def templates(folder):
    """The chat templates under a folder by relative path, with #name where a file holds several."""
    for path in sorted(folder.rglob("*.jinja")):
        yield str(path.relative_to(folder)), path.read_bytes().decode()
    for path in sorted(folder.rglob("tokenizer_config.json")):
        found = json.loads(path.read_text()).get("chat_template")
        name = str(path.relative_to(folder))
        if isinstance(found, str):
            yield name, found
        for entry in found if isinstance(found, list) else []:
            yield f"{name}#{entry['name']}", entry["template"]


def raw_contexts(folder):
    """Contexts that stand beside the templates as JSON files."""
    for path in sorted(folder.rglob("chat_templates/minja/*.json")):
        yield str(path.relative_to(folder)), json.loads(path.read_text())


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def write(path, value, lines=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    if lines and isinstance(value, list):
        rows = [json.dumps(row, ensure_ascii=False) for row in value]
        path.write_text("[\n" + ",\n".join(rows) + "\n]\n")
    elif lines:
        rows = [json.dumps(k) + ": " + json.dumps(v, ensure_ascii=False) for k, v in value.items()]
        path.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    else:
        path.write_text(json.dumps(value, ensure_ascii=False))


def make_fixtures(folder):
    for group, entries in cases.GROUPS.items():
        rows = []
        for entry in entries:
            template, context = entry if isinstance(entry, tuple) else (entry, {})
            context = {**cases.CONTEXT, **context}
            used = {k: v for k, v in context.items() if k in template}
            rows.append({"template": template, "context": used, **reference.render(template, used)})
        write(FIXTURES / f"{group}.json", rows)
    write(FIXTURES / "conversations.json", dict(contexts.chats()))
    if not folder.is_dir():
        print("no artefacts: hashes stay as they are")
        return
    table = {}
    for name, template in templates(folder):
        row = {}
        for chat_name, chat in contexts.chats():
            row[chat_name] = digest(reference.render_chat(template, chat))
        for context_name, context in raw_contexts(folder):
            row[context_name] = digest(reference.render(template, context))
        table[name] = row
    write(FIXTURES / "artefacts.json", table)


def digest(result):
    if "output" in result:
        return fnv1a(result["output"])
    return result["error"] + (":" + result["message"] if "message" in result else "")


def make_full(out, folder):
    for name, template in templates(folder):
        rows = []
        for chat_name, chat in contexts.chats():
            rows.append({"name": chat_name, "template": template, "chat": chat,
                         **reference.render_chat(template, chat)})
        for context_name, context in raw_contexts(folder):
            rows.append({"name": context_name, "template": template, "context": context,
                         **reference.render(template, context)})
        write(out / (name.replace("/", "_") + ".json"), rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["fixtures"]:
        make_fixtures(artefacts_folder())
    elif sys.argv[1:2] == ["full"] and len(sys.argv) > 2:
        folder = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else artefacts_folder()
        make_full(pathlib.Path(sys.argv[2]), folder)
    else:
        sys.exit(__doc__)
