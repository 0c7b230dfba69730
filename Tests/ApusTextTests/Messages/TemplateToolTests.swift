import ApusCore
import ApusText
import Foundation
import Testing

/// Tools, calls and results reach the prompt through the templates of real models.
struct TemplateToolTests {
  /// The parser that each of the templates asks for; nil for those whose form is none of the listed ones.
  private static let parsers: [(file: String, parser: String?)] = [
    ("llama.cpp-2025/NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja", "hermes"),
    ("llama.cpp-2025/NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja", "hermes"),
    ("llama.cpp-2025/Qwen-Qwen2.5-7B-Instruct.jinja", "hermes"),
    ("llama.cpp-2025/meta-llama-Llama-3.1-8B-Instruct.jinja", "llama3_json"),
    ("llama.cpp-2025/meta-llama-Llama-3.2-3B-Instruct.jinja", "llama3_json"),
    ("llama.cpp-2025/meta-llama-Llama-3.3-70B-Instruct.jinja", "llama3_json"),
    ("llama.cpp-2025/mistralai-Mistral-Nemo-Instruct-2407.jinja", "mistral"),
    ("minja/Qwen-Qwen3-Coder-30B-A3B-Instruct.jinja", "qwen3_coder"),
    ("llama.cpp-2025/CohereForAI-c4ai-command-r-plus-tool_use.jinja", nil),
    ("llama.cpp-2025/meetkai-functionary-medium-v3.1.jinja", nil),
  ]

  /// Those that know of no tools, or under another name.
  private static let plain = [
    "llama.cpp-2025/deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja",
    "llama.cpp-2025/fireworks-ai-llama-3-firefunction-v2.jinja",
    "llama.cpp-2025/google-gemma-2-2b-it.jinja",
    "llama.cpp-2025/microsoft-Phi-3.5-mini-instruct.jinja",
  ]

  private static func template(_ file: String) throws -> ChatTemplate {
    let folder = try #require(TemplateCases.artefacts).appending(path: "chat_templates")
    let bytes = try Data(contentsOf: folder.appending(path: file))
    return try ChatTemplate(String(decoding: bytes, as: UTF8.self))
  }

  private static let tool: JSONValue = [
    "type": "function",
    "function": [
      "name": "get_weather", "description": "The weather of a place.",
      "parameters": [
        "type": "object", "properties": ["city": ["type": "string", "description": "A town."]],
        "required": ["city"],
      ],
    ],
  ]

  private static let turns: [JSONValue] = [
    ["role": "user", "content": "How is Oslo?"],
    [
      "role": "assistant", "content": "",
      "tool_calls": [
        [
          "id": "call12345", "type": "function",
          "function": ["name": "get_weather", "arguments": ["city": "Oslo"]],
        ]
      ],
    ],
    ["role": "tool", "tool_call_id": "call12345", "name": "get_weather", "content": "Rain."],
  ]

  @Test(.enabled(if: TemplateCases.artefacts != nil, "no folder of real templates (APUS_SHARED)"))
  func realTemplatesTakeToolsCallsAndResults() throws {
    for (file, parser) in Self.parsers {
      let template = try Self.template(file)
      #expect(template.takesTools, "\(file)")
      let named = ToolCallFormats.named(in: template.source)
      let listed = ToolCallFormats.catalog.entries.first { $0.name == parser }?.element
      #expect(
        named.map { "\(type(of: $0))" } == listed.map { "\(type(of: $0))" }, "\(file)")
      guard parser != nil else { continue }
      // Mistral's repeats the tools before the last message of the user.
      let turns =
        parser == "mistral"
        ? Self.turns + [
          ["role": "assistant", "content": "Wet."], ["role": "user", "content": "Sure?"],
        ] : Self.turns
      let prompt = try template.render(
        messages: turns, tools: [Self.tool], addGenerationPrompt: true, bosToken: "<s>",
        eosToken: "</s>")
      for text in ["The weather of a place.", "A town.", "How is Oslo?", "Oslo", "Rain."] {
        #expect(prompt.contains(text), "\(file) drops '\(text)'")
      }
      // The call in the prompt is written as the parser reads it.
      let calls = try #require(named)
      let marker =
        parser == "llama3_json" ? "{\"name\": \"get_weather\", \"parameters\"" : calls.markers[0]
      #expect(prompt.contains(marker), "\(file)")
    }
    for file in Self.plain { #expect(try !Self.template(file).takesTools, "\(file)") }
  }

  @Test(.enabled(if: TemplateCases.artefacts != nil, "no folder of real templates (APUS_SHARED)"))
  func realTemplatesNameTheirThinkTags() throws {
    for name in ["deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "llama-cpp-deepseek-r1"] {
      let template = try Self.template("llama.cpp-2025/\(name).jinja")
      #expect(ReasoningTags.named(in: template.source) == .standard)
    }
    let distilled = try Self.template(
      "llama.cpp-2025/deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja")
    let prompt = try distilled.render(
      messages: [["role": "user", "content": "Why?"]], addGenerationPrompt: true, bosToken: "",
      eosToken: "")
    #expect(ReasoningTags.standard.areOpen(at: prompt) == prompt.hasSuffix("<think>\n"))
    for (file, _) in Self.parsers {
      #expect(ReasoningTags.named(in: try Self.template(file).source) == nil, "\(file)")
    }
  }
}
