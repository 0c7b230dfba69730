import ApusCore

extension FieldReader {
  /// How tokens are chosen, with OpenAI's defaults.
  func sampling(vocabularySize: Int) throws -> SamplingParameters {
    var parameters = SamplingParameters()
    let temperature = try number("temperature", in: 0...2) ?? 1
    // Below this, dividing the logits by it overflows.
    parameters.temperature = temperature < 1e-5 ? 0 : Float(temperature)
    parameters.topP = Float(try number("top_p", in: 0...1) ?? 1)
    parameters.topK = max(try int("top_k", in: -1...Int(Int32.max)) ?? 0, 0)
    parameters.minP = Float(try number("min_p", in: 0...1) ?? 0)
    parameters.typicalP = Float(try number("typical_p", in: 0...1) ?? 1)
    for name in ["repetition_penalty", "repeat_penalty"] {
      if let penalty = try number(name, in: 0.01...100) {
        parameters.repetitionPenalty = Float(penalty)
      }
    }
    if let window = try int("repeat_last_n", in: -1...Int(Int32.max)) {
      parameters.repetitionWindow = window
    }
    parameters.presencePenalty = Float(try number("presence_penalty", in: -2...2) ?? 0)
    parameters.frequencyPenalty = Float(try number("frequency_penalty", in: -2...2) ?? 0)
    // As in llama-server, -1 asks for a random seed.
    if let seed = try int("seed", in: .min ... .max), seed != -1 {
      parameters.seed = UInt64(bitPattern: Int64(seed))
    }
    parameters.logitBias = try logitBias(vocabularySize: vocabularySize)
    return parameters
  }

  /// `{"15": -100}` as OpenAI writes it, or `[[15, -100], [16, false]]` as llama-server does.
  private func logitBias(vocabularySize: Int) throws -> [TokenID: Float] {
    let name = "logit_bias"
    var biases: [TokenID: Float] = [:]
    switch value(name) {
    case nil: break
    case .object(let object):
      for (key, value) in object.entries {
        guard let token = TokenID(key), token >= 0, Int(token) < vocabularySize else {
          throw invalid(name, "has the key '\(key)', which is no token id")
        }
        biases[token] = Float(try number(value, name, in: -100...100))
      }
    case .array(let pairs):
      for pair in pairs {
        guard case .array(let pair) = pair, pair.count == 2 else {
          throw invalid(name, "must hold pairs of a token id and a number")
        }
        let token = TokenID(try int(pair[0], name, in: 0...vocabularySize - 1, element: true))
        biases[token] =
          pair[1] == false ? -.infinity : Float(try number(pair[1], name, in: -100...100))
      }
    case .some(let value): throw mismatch(name, "an object", value)
    }
    return biases
  }
}
