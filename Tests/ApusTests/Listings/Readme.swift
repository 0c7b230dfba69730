import Apus

/// The library in ten lines.
func readme() async throws {
  // listing
  let model = try LanguageModel(.builtin("reader"))
  var request = TextRequest("The Marigold", for: model)
  request.generation.maxTokens = 16
  print(try await model.generate(request).answer().text)
  for try await text in model.generate(request).text { print(text, terminator: "") }
  let chat = Conversation(model)
  print(try await chat.ask("The Teal carried salt.\n\nWhat did the Teal carry?").answer().text)
  let vectors = try await model.embed(["salt", "oranges"])
  // end
  print(vectors.count, vectors[0].count)
}
