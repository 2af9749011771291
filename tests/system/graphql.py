# SPDX-License-Identifier: Apache-2.0
"""graphql.py - reads GraphQL documents, and learns from documents which members a type has.

There is no published schema of the vendor whose queries are held against this: only lists of members of the main types, and
queries that run. What the lists and the queries name is known; everything else is not.
"""
import re

TOKEN = re.compile(r'\s+|,|#[^\n]*|("(?:[^"\\]|\\.)*"|\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|[{}()\[\]:!$=|])')


class Node:
    """A member that is selected: its name, the names of its arguments, and what is selected of it (None: it is a value)."""
    def __init__(self, name, args, inner, on=None):
        self.name, self.args, self.inner, self.on = name, args, inner, on


class Reader:
    def __init__(self, text):
        text = re.sub(r"\{\{.*?\}\}", " 1 ", text)  # placeholders of templates
        self.tokens, at = [], 0
        while at < len(text):
            m = TOKEN.match(text, at)
            assert m, f"cannot be read: {text[at:at + 30]!r}"
            at = m.end()
            if m.group(1):
                self.tokens.append(m.group(1))
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted=None):
        token = self.peek()
        assert wanted is None or token == wanted, f"expected {wanted}, found {token}"
        self.at += 1
        return token

    def value(self):
        token = self.take()
        if token == "$":
            return "$" + self.take()
        if token in "[{":
            while self.peek() not in "]}":
                self.value()
                if self.peek() == ":":
                    self.take()
            self.take()
        return token

    def arguments(self):
        names = {}
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                if not re.match(r"[A-Za-z_]", self.peek()):  # left over from a placeholder
                    self.take()
                    continue
                name = self.take()
                self.take(":")
                names[name] = self.value()
            self.take(")")
        return names

    def selection(self):
        self.take("{")
        out = []
        while self.peek() != "}":
            name = self.take()
            if name == "...":
                self.take("on")
                on = self.take()
                out.append(Node("...", {}, self.selection(), on))
                continue
            args = self.arguments()
            out.append(Node(name, args, self.selection() if self.peek() == "{" else None))
        self.take("}")
        return out

    def operation(self):
        """(query or mutation, declared variables, selection)"""
        kind = self.take()
        variables = set()
        if self.peek() not in "({":
            self.take()
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                if self.take() == "$":
                    variables.add(self.peek())
            self.take(")")
        got = kind, variables, self.selection()
        assert self.at == len(self.tokens), "something stands behind it"
        return got


def variables_used(nodes, text):
    return set(re.findall(r"\$(\w+)", text.split("{", 1)[1]))


def types_of(listing):
    """{"Client": {"id": "EncodedId", ...}} from the listings of types."""
    types = {}
    for name, body in re.findall(r"type (\w+) \{(.*?)\n\}", listing, re.S):
        types[name] = dict(re.findall(r"^\s+(\w+): \[?(\w+)", body, re.M))
    return types


# What a member of this name holds, wherever no listing says it.
NAMES = {"client": "Client", "request": "Request", "job": "Job", "quote": "Quote", "invoice": "Invoice", "visit": "Visit",
         "property": "Property", "account": "Account", "clients": "ClientConnection", "similarClients": "ClientConnection",
         "clientPhones": "ClientPhoneNumberConnection", "phones": "ClientPhoneNumber", "emails": "Email", "users": "UserConnection",
         "userErrors": "UserError", "pageInfo": "PageInfo"}


def inner_type(types, outer, name):
    """Of a member; None: it is not known."""
    if outer.endswith("Connection") and name in ("nodes", "pageInfo"):
        return outer[:-len("Connection")] if name == "nodes" else "PageInfo"
    return types.get(outer, {}).get(name)


def learn(types, type_name, nodes):
    """What a query that runs selects of a type, the type has."""
    for node in nodes:
        if node.name == "...":
            learn(types, node.on, node.inner)
            continue
        inner = inner_type(types, type_name, node.name)
        if inner is None:
            inner = NAMES.get(node.name, f"{type_name}.{node.name}")
            types.setdefault(type_name, {})[node.name] = inner
        if node.inner is not None:
            learn(types, inner, node.inner)


def unknown(types, type_name, nodes):
    """Members that neither lists nor queries know; what is below them cannot be told."""
    out = []
    for node in nodes:
        inner = node.on if node.name == "..." else inner_type(types, type_name, node.name)
        if inner is None:
            out.append(f"{type_name}.{node.name}")
        elif node.inner is not None:
            out += unknown(types, inner, node.inner)
    return out
