import HTTPTypes

extension HTTPField.Name {
  private static func named(_ name: String) -> Self {
    guard let name = Self(name) else {
      preconditionFailure("'\(name)' is no name of a header field")
    }
    return name
  }

  static let apiKey = named("x-api-key")
  static let requestID = named("x-request-id")
  static let traceParent = named("traceparent")
  static let frameOptions = named("x-frame-options")
  static let referrerPolicy = named("referrer-policy")
  static let resourcePolicy = named("cross-origin-resource-policy")
  static let permissionsPolicy = named("permissions-policy")
  static let fetchSite = named("sec-fetch-site")
}
