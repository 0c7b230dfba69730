import Apus

func loading() async throws -> LanguageModel {
  // listing
  let model = try LanguageModel(.builtin("reader"))
  // end
  return model
}

func configuring() async throws -> LanguageModel {
  // listing
  var configuration = EngineConfiguration()
  configuration.contextLength = 8192
  configuration.kvMemory = ByteCount(parsing: "256M")
  let model = try LanguageModel(.builtin("reader"), configuration: configuration)
  // end
  return model
}

func writing(_ model: LanguageModel) async throws {
  // listing
  var request = TextRequest("The Marigold carried", for: model)
  request.generation.maxTokens = 12
  let answer = try await model.generate(request).answer()
  print(answer.text)
  print(answer.finish.reason, answer.finish.timings.generatedTokens)
  // end
}

func sampling(_ model: LanguageModel) async throws {
  var request = TextRequest("The Marigold carried", for: model)
  // listing
  request.generation.sampling.temperature = 0.8
  request.generation.sampling.topP = 0.95
  request.generation.sampling.seed = 7
  request.stopStrings = ["."]
  // end
  request.generation.maxTokens = 12
  let answer = try await model.generate(request).answer()
  print(answer.text.contains("."), answer.finish.stopString ?? "no stop string")
}

func streaming(_ model: LanguageModel) async throws {
  var request = TextRequest("The Marigold carried", for: model)
  request.generation.maxTokens = 12
  // listing
  for try await text in model.generate(request).text {
    print(text, terminator: "")
  }
  // end
}

func events(_ model: LanguageModel) async throws {
  var request = TextRequest("The Marigold carried", for: model)
  request.generation.maxTokens = 4
  // listing
  for try await event in model.generate(request) {
    switch event {
    case .progress(let progress): print("read \(progress.processed) of \(progress.total) tokens")
    case .promptLogprobs: break
    case .delta(let text, _): print(text)
    case .finished(let finish): print(finish.reason)
    }
  }
  // end
}

func talking(_ model: LanguageModel) async throws {
  // listing
  let chat = Conversation(model)
  chat.request.generation.maxTokens = 64
  let question = "The Kestrel carried timber.\n\nWhat did the Kestrel carry?"
  for try await text in chat.ask(question).text {
    print(text, terminator: "")
  }
  print("\n\(chat.messages.count) messages")
  // end
}

func embedding(_ model: LanguageModel) async throws {
  // listing
  let vectors = try await model.embed(["The Marigold carried salt.", "A quiet road."])
  print(vectors.count, vectors[0].count)
  let scores = try await model.rank(
    query: "The Marigold carried salt.",
    documents: ["A quiet road.", "The Marigold carried salt."])
  print(scores[1] > scores[0])
  // end
}

func refusing(_ model: LanguageModel) async throws {
  // listing
  do {
    print(try await model.generate(TextRequest(prompt: [])).answer().text)
  } catch let error as EngineError {
    print("error: \(error)")
  }
  // end
}
