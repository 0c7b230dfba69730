import Apus

/// `document` is Examples/survey.txt.
func asking(_ document: String) async throws {
  // listing
  var configuration = EngineConfiguration()
  configuration.contextLength = 8192
  let model = try LanguageModel(.builtin("reader"), configuration: configuration)

  func request(_ question: String) throws -> TextRequest {
    let text = document + "\n\n" + question
    var request = try TextRequest(
      messages: [["role": "user", "content": .string(text)]], for: model)
    request.generation.maxTokens = 64
    return request
  }

  let first = try await model.generate(request("What pet does Esther Marsh have?")).answer()
  print(first.text)
  // end

  // listing
  let second = try await model.generate(request("What is the pass key?")).answer()
  print(second.text)
  let timings = second.finish.timings
  print(timings.cachedTokens > timings.promptTokens * 9 / 10)
  // end

  // listing
  var smaller = try request("What is the pass key?")
  smaller.generation.kvMethods = try KVMethods(
    policy: "snapkv:budget=0.5,kernel=15", selector: "quest:budget=1024")
  let third = try await model.generate(smaller).answer()
  print(third.text)
  print(third.finish.timings.methods.joined(separator: "\n"))
  print(third.finish.timings.kv.keptTokens < Double(smaller.generation.prompt.count))
  // end

  // listing
  do {
    let text = String(repeating: document, count: 4)
    print(try await model.generate(TextRequest(text, for: model)).answer().text)
  } catch EngineError.promptTooLong(let tokens, let contextLength) {
    print("too long by \(tokens - contextLength + 1) tokens")
  }
  // end
}

func storingLess() async throws -> LanguageModel {
  // listing
  var configuration = EngineConfiguration()
  configuration.keyFormat = "q8_0"
  configuration.valueFormat = "q8_0"
  let model = try LanguageModel(.builtin("reader"), configuration: configuration)
  // end
  return model
}

func naming() {
  // listing
  print(KVPolicies.catalog.names.joined(separator: ", "))
  print(KeySelectors.catalog.names.joined(separator: ", "))
  print(KVFormats.catalog.names.joined(separator: ", "))
  // end
}
