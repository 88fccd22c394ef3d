#!/usr/bin/env python3
"""Prints a manual page (man(7)) of a built `estuary`: what `--help` of the command and of every verb says.

    manual.py ESTUARY > estuary.1
"""
import json
import subprocess
import sys


def escaped(text: str) -> str:
    """Text as roff takes it: no line begins with a control character, no backslash is one."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.splitlines())


def spelling(argument: dict) -> str:
    """An option or an argument as it is written."""
    value = argument.get("valueName", "")
    names = [("--" if name["kind"] != "short" else "-") + name["name"] for name in argument.get("names", [])]
    if argument["kind"] == "positional":
        return f"<{value}>"
    return ", ".join(names) + (f" <{value}>" if argument["kind"] == "option" and value else "")


def verbs(command: dict, path: list[str]):
    """Every verb with the words that lead to it; `help` explains itself."""
    for inner in command.get("subcommands", []):
        if inner["commandName"] != "help":
            yield from verbs(inner, [*path, inner["commandName"]])
    if path:
        yield path, command


def main() -> None:
    run = subprocess.run([sys.argv[1], "--experimental-dump-help"], capture_output=True, text=True, check=True)
    command = json.loads(run.stdout)["command"]
    version = subprocess.run([sys.argv[1], "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f'.TH ESTUARY 1 "" "Estuary {version}" "User Commands"')
    print(".SH NAME\nestuary \\- " + escaped(command["abstract"]))
    print(".SH SYNOPSIS\n.B estuary\n.I verb\n[\\fIoption\\fR]... [\\fIargument\\fR]...")
    print(".SH DESCRIPTION\n" + escaped(command.get("discussion", "")))
    print(".SH VERBS")
    for path, verb in sorted(verbs(command, []), key=lambda pair: pair[0]):
        if verb.get("subcommands"):
            continue
        print(".SS " + escaped(" ".join(path)))
        print(escaped(verb.get("abstract", "")))
        if verb.get("discussion"):
            print(".PP\n" + escaped(verb["discussion"]))
        for argument in verb.get("arguments", []):
            if argument.get("shouldDisplay", True) and spelling(argument) not in ("-h, --help", "--version"):
                print(".TP\n.B " + escaped(spelling(argument)) + "\n" + escaped(argument.get("abstract", "") or "\\&"))


main()
