import ApusCore
import ApusText
import Testing

struct ChatTemplateTests {
  private func render(_ source: String, _ context: JSONObject = JSONObject()) throws -> String {
    try ChatTemplate(source).render(context)
  }

  private let conversation: [JSONValue] = [
    ["role": "system", "content": "Be brief."],
    ["role": "user", "content": [["type": "text", "text": "Hi"], ["type": "image"]]],
  ]

  @Test func chatMLIsTheFallback() throws {
    let text = try ChatTemplate.chatML.render(
      messages: conversation, addGenerationPrompt: true, bosToken: "<s>", eosToken: "</s>")
    #expect(
      text
        == "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )
  }

  @Test func chatMLWithoutContentOrPrompt() throws {
    let text = try ChatTemplate.chatML.render(
      messages: [["role": "assistant", "content": nil]], addGenerationPrompt: false, bosToken: "",
      eosToken: "")
    #expect(text == "<|im_start|>assistant\n<|im_end|>\n")
  }

  @Test func missingToolsAndDocumentsAreNone() throws {
    let template = try ChatTemplate(
      "{{ tools is none }}{{ documents is none }}{{ bos_token }}{{ x }}{{ add_generation_prompt }}")
    let text = try template.render(
      messages: [], addGenerationPrompt: false, bosToken: "<s>", eosToken: "</s>",
      arguments: JSONObject([("x", 5), ("bos_token", "[B]")]))
    #expect(text == "TrueTrue[B]5False")
  }

  @Test func reasoningHasAllItsNames() throws {
    let template = try ChatTemplate(
      "{% for m in messages %}{{ m.reasoning_content }},{{ m.thinking }},{{ m.reasoning }};{% endfor %}"
    )
    let text = try template.render(
      messages: [
        ["role": "assistant", "reasoning": "a"], ["reasoning_content": "b"], ["role": "x"],
      ],
      addGenerationPrompt: false, bosToken: "", eosToken: "")
    #expect(text == "a,a,a;b,b,;,,;")
  }

  @Test func keysKeepTheirOrderAndStringsTheirScalars() throws {
    let context = JSONObject([
      ("tool", ["b": 1, "a": ["é": 2, "e\u{301}": 3]]), ("text", "e\u{301}👩‍👧"),
    ])
    #expect(try render("{{ tool|tojson }}", context) == #"{"b": 1, "a": {"é": 2, "é": 3}}"#)
    #expect(
      try render("{{ text|length }} {{ text == 'é' }} {{ 'é' in text }}", context)
        == "5 False False")
    #expect(try render("{{ text[0] }}", context) == "e")
  }

  @Test func dateIsTheOneGiven() throws {
    let template = try ChatTemplate("{{ strftime_now('%d %b %Y, %A %H:%M:%S %j') }}")
    let date = ChatTemplateDate(secondsSince1970: 951_827_696, offsetFromUTC: 3600)
    #expect(try template.render(JSONObject(), now: { date }) == "29 Feb 2000, Tuesday 13:34:56 060")
    let early = ChatTemplateDate(secondsSince1970: -1)
    #expect(
      try template.render(JSONObject(), now: { early }) == "31 Dec 1969, Wednesday 23:59:59 365")
  }

  // MARK: Errors

  private func error(_ source: String) -> ChatTemplateError? {
    do {
      _ = try render(source)
      return nil
    } catch {
      return error as? ChatTemplateError
    }
  }

  @Test func errorsHaveTheirLine() {
    #expect(
      error("a\nb\n{% if %}")
        == .syntax(line: 3, message: "Expected an expression, got 'end of statement block'"))
    #expect(error("\n{{ a.b }}") == .runtime(line: 2, message: "'a' is undefined"))
    #expect(error("{#\n#}\n{% if true %}\n{{\n1 + none }}{% endif %}").map(line) == 4)
    #expect(error("{% macro m() %}\n\n{{ x.y }}{% endmacro %}\n{{ m() }}").map(line) == 3)
    #expect(error("{{ raise_exception('no') }}") == .raised(message: "no"))
    #expect(error("{{ 'x' * 10 ** 9 }}").map(isLimit) == true)
  }

  private func line(_ error: ChatTemplateError) -> Int {
    switch error {
    case .syntax(let line, _), .runtime(let line, _), .limit(let line, _): line
    case .raised: 0
    }
  }

  private func isLimit(_ error: ChatTemplateError) -> Bool {
    if case .limit = error { true } else { false }
  }

  @Test func descriptionsAreOneLine() {
    let error = ChatTemplateError.raised(
      message: "two\nlines\r" + String(repeating: "x", count: 9999))
    #expect(!error.description.contains("\n"))
    #expect(error.description.hasPrefix(#"chat template: two\nlines\r"#))
    #expect(error.description.utf8.count < 600)
    #expect(
      ChatTemplateError.runtime(line: 2, message: "'a' is undefined").description
        == "chat template, line 2: 'a' is undefined")
  }

  @Test func namespacesAndMacrosThatHoldThemselvesAreFreed() throws {
    let source = """
      {% set ns = namespace() %}{% set ns.self = ns %}
      {% macro m() %}{% set ns.m = m %}{{ caller() }}{% endmacro %}
      {% for x in [1] %}{% macro i() %}{{ loop.index }}{% endmacro %}{% set ns.i = i %}{% set _ = loop.changed(loop) %}
      {% call m() %}{{ x }}{% endcall %}{% endfor %}
      """
    for _ in 0..<100 { _ = try render(source) }
  }

  @Test func oneTemplateRendersInParallel() async throws {
    let template = try ChatTemplate("{% for i in range(n) %}{{ i }}{% endfor %}")
    try await withThrowingTaskGroup(of: String.self) { group in
      for count in 0..<20 {
        group.addTask { try template.render(JSONObject([("n", .integer(Int64(count)))])) }
      }
      for try await text in group { #expect("012345678910111213141516171819".hasPrefix(text)) }
    }
  }
}
