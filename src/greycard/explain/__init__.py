"""What a trained model looks at: heat maps, feature maps, filters."""
