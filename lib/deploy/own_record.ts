// An upgrade with another text, were it only a space, would generate a new key.
const RECORD =
  '{"name":"auth_logout_user_jwt","signature_type":"secret","secret_algorithm":"HS256", ' +
  '"audience":"auth_logout_user_jwt","issuer":"theissuer"}';

/** A validator record whose key Secrets Manager generates. It is kept when the stack is removed. */
export function ownRecord(name: string) {
  return {
    Type: 'AWS::SecretsManager::Secret',
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      Name: name,
      Description: 'The validator record of the caller; docs/operations.md says how to rotate its key',
      GenerateSecretString: {
        SecretStringTemplate: RECORD,
        GenerateStringKey: 'secret_key',
        PasswordLength: 64,
        ExcludePunctuation: true,
      },
    },
  };
}
