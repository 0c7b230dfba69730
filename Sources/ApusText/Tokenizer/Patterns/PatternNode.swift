/// The syntax tree of a regular expression whose alphabet is Unicode scalars.
indirect enum PatternNode: Sendable {
  case empty
  case set(ScalarSet)
  case sequence([PatternNode])
  case alternatives([PatternNode])
  case repeated(PatternNode, minimum: Int, maximum: Int?, greedy: Bool)
  /// The next scalar must be in the set; with `orEnd` the end of the text will do as well.
  case look(ScalarSet, orEnd: Bool)
}
