"""Questions about filed tables: asked, answered, worked out anew."""
